// Times after 2038, also where `long` has 32 bits.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void) {
    time_t late = (time_t)4102444800LL;
    printf("time_t %zu off_t %zu\n", sizeof(time_t), sizeof(off_t));
    struct tm broken;
    gmtime_r(&late, &broken);
    printf("%d-%02d-%02d %d\n", broken.tm_year + 1900, broken.tm_mon + 1, broken.tm_mday, timegm(&broken) == late);
    int file = open("/tmp/late", O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct timespec times[2] = {{late, 5}, {late + 1, 6}};
    int error = futimens(file, times);
    struct stat found;
    fstat(file, &found);
    printf("%d %lld.%09ld %lld.%09ld\n", error, (long long)found.st_atim.tv_sec, found.st_atim.tv_nsec,
           (long long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
    error = ftruncate(file, 5000000000LL);
    fstat(file, &found);
    printf("%d %lld %lld\n", error, (long long)found.st_size, (long long)lseek(file, 0, SEEK_END));
    struct timespec now;
    struct timeval day;
    clock_gettime(CLOCK_REALTIME, &now);
    gettimeofday(&day, NULL);
    printf("now %d %d\n", now.tv_sec > 1700000000, day.tv_sec - now.tv_sec <= 1);
    printf("sleeps %d\n", clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000}, NULL));
    return 0;
}
