#!/bin/bash
# A program with goroutines, channels, maps, a server on loopback and a child, compiled and run.
set -euo pipefail
mkdir -p /tmp/go
cd /tmp/go
export GOCACHE=/tmp/cache GOPATH=/tmp/path GO111MODULE=off CGO_ENABLED=0 GOTOOLCHAIN=local
cat > main.go <<'GO'
package main

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"sort"
	"sync"
	"time"
)

func main() {
	var wait sync.WaitGroup
	numbers, squares := make(chan int), make(chan int, 100)
	for i := 0; i < 50; i++ {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for n := range numbers {
				squares <- n * n
			}
		}()
	}
	go func() {
		for n := 0; n < 5000; n++ {
			numbers <- n
		}
		close(numbers)
		wait.Wait()
		close(squares)
	}()
	var sum int64
	for square := range squares {
		sum += int64(square)
	}
	fmt.Println("squares", sum)
	words := map[string]int{}
	for i := 0; i < 20000; i++ {
		words[fmt.Sprint("word", i%97)]++
		if i%5000 == 0 {
			runtime.GC()
		}
	}
	keys := make([]string, 0)
	for key := range words {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	fmt.Println(len(keys), keys[0], words[keys[96]])
	fmt.Printf("%x\n", sha256.Sum256([]byte("abc")))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		connection, _ := listener.Accept()
		line, _ := bufio.NewReader(connection).ReadString('\n')
		fmt.Fprint(connection, "echo ", line)
		connection.Close()
	}()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(connection, "ping")
	answer, _ := bufio.NewReader(connection).ReadString('\n')
	fmt.Print(answer)
	output, err := exec.Command("sh", "-c", "echo child").Output()
	fmt.Print(string(output), err, "\n")
	select {
	case <-time.After(50 * time.Millisecond):
		fmt.Println("timer")
	}
	// Goroutines that do not yield are stopped by signals.
	done := make(chan bool)
	go func() {
		for i := 0; ; i++ {
			_ = i
		}
	}()
	go func() { done <- true }()
	fmt.Println("preempted", <-done)
}
GO
go build -o program main.go
./program
