#!/bin/bash
# A program with threads, streams, digests, a child and a server on loopback, compiled and run.
set -euo pipefail
mkdir -p /tmp/java
cd /tmp/java
cat > Main.java <<'JAVA'
import java.io.*;
import java.math.BigInteger;
import java.net.*;
import java.security.MessageDigest;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.*;

public class Main {
    static int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

    public static void main(String[] arguments) throws Exception {
        System.out.println("fibonacci " + fibonacci(27));
        ExecutorService pool = Executors.newFixedThreadPool(8);
        AtomicLong sum = new AtomicLong();
        List<Future<?>> futures = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            final int n = i;
            futures.add(pool.submit(() -> sum.addAndGet((long) n * n)));
        }
        for (Future<?> future : futures) future.get();
        pool.shutdown();
        System.out.println("pool " + sum);
        System.out.println(IntStream.rangeClosed(1, 100000).parallel().filter(n -> n % 7 == 0).mapToLong(n -> n).sum());
        Map<String, Long> words = IntStream.range(0, 10000).mapToObj(n -> "word" + n % 13)
            .collect(Collectors.groupingBy(word -> word, TreeMap::new, Collectors.counting()));
        System.out.println(words.size() + " " + words.get("word3"));
        byte[] digest = MessageDigest.getInstance("SHA-256").digest("abc".getBytes("UTF-8"));
        System.out.println(new BigInteger(1, digest).toString(16));
        try { Object nothing = null; nothing.hashCode(); } catch (NullPointerException e) { System.out.println("null"); }
        for (int i = 0; i < 50; i++) { byte[][] garbage = new byte[64][]; for (int n = 0; n < 64; n++) garbage[n] = new byte[16384]; }
        System.gc();
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Thread thread = new Thread(() -> {
            try (Socket socket = server.accept(); PrintWriter out = new PrintWriter(socket.getOutputStream(), true)) {
                out.println("hello");
            } catch (IOException e) { throw new UncheckedIOException(e); }
        });
        thread.start();
        try (Socket socket = new Socket(server.getInetAddress(), server.getLocalPort())) {
            System.out.println(new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine());
        }
        thread.join();
        Process child = new ProcessBuilder("sh", "-c", "echo child; exit 3").start();
        System.out.println(new BufferedReader(new InputStreamReader(child.getInputStream())).readLine() + " " + child.waitFor());
    }
}
JAVA
home=$(echo /usr/lib/jvm/java-[0-9][0-9]-openjdk-*)
"$home/bin/javac" -J-Xmx512m Main.java
"$home/bin/java" -Xmx512m Main
