#!/usr/bin/perl
# Hashes, regular expressions, numbers, digests, fork, pipes and alarm.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use POSIX qw(:sys_wait_h floor);
$| = 1;

my %count;
$count{ $_ * 7919 % 1009 }++ for 1 .. 100_000;
print "classes ", scalar(keys %count), "\n";
my @primes = grep { (1 x $_) !~ /^(11+?)\1+$/ } 2 .. 200;
print "primes ", scalar(@primes), " last $primes[-1]\n";
printf "%.15g %.10e %s\n", sqrt(2), exp(-20), 2**53 + 1 == 2**53 ? "double" : "wide";
print unpack("H*", pack("NvwA3", 1, 2, 300, "ab")), "\n";
print sha256_hex(join ",", 1 .. 10_000), "\n";

pipe(my $reader, my $writer) or die;
my @children;
for my $n (1 .. 4) {
    my $pid = fork() // die;
    if (!$pid) { close $reader; syswrite $writer, "child $n\n"; exit $n }
    push @children, $pid;
}
close $writer;
my @codes;
for my $pid (@children) { waitpid($pid, 0); push @codes, $? >> 8 }
print sort <$reader>;
print "exit codes @codes\n";

open(my $sort, "|-", "sort", "-n") or die;
print $sort "$_\n" for 30, 4, 100;
close $sort or die;
my $list = `echo one two | tr a-z A-Z`;
print $list;
eval { local $SIG{ALRM} = sub { die "alarm\n" }; alarm 1; sleep 20; };
print $@;
