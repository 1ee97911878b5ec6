#!/bin/bash
# A program with threads, channels, collections and a panic that is caught, compiled with optimization and run.
set -euo pipefail
cd /tmp
cat > main.rs <<'RUST'
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let threads: Vec<_> = (0..8u64)
        .map(|n| {
            let total = Arc::clone(&total);
            thread::spawn(move || (0..1000).for_each(|i| *total.lock().unwrap() += n * i))
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    println!("total {}", total.lock().unwrap());
    let (sender, receiver) = mpsc::channel();
    for n in 0..4 {
        let sender = sender.clone();
        thread::spawn(move || (0..250).for_each(|i| sender.send(n * i).unwrap()));
    }
    drop(sender);
    println!("channel {}", receiver.iter().sum::<i32>());
    let mut words = BTreeMap::new();
    for n in 0..10_000 {
        *words.entry(format!("word{}", n % 13)).or_insert(0) += 1;
    }
    println!("{:?}", words.iter().next());
    let caught = std::panic::catch_unwind(|| {
        let empty: Vec<i32> = Vec::new();
        empty[1]
    });
    println!("caught {}", caught.is_err());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || listener.accept().unwrap().0.write_all(b"hello").unwrap());
    let mut text = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
    server.join().unwrap();
    let child = Command::new("sh").args(["-c", "exit 5"]).status().unwrap();
    println!("{text} {:?} {}", child.code(), u128::MAX / 7);
}
RUST
rustc -C linker=gcc -O --edition 2021 main.rs 2> log || { cat log >&2; exit 1; }
./main 2> /dev/null
