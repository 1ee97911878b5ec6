#!/usr/bin/python3
"""Processes: subprocess with pipes, signals and timeouts; multiprocessing by fork and by spawn."""
import multiprocessing
import os
import signal
import subprocess
import sys
import time


def square(number):
    return number * number


def count(value):
    for _ in range(200):
        with value.get_lock():
            value.value += 1


if __name__ == "__main__":
    run = subprocess.run
    print(run(["sort", "-n"], input="30\n4\n100\n", text=True, capture_output=True, check=True).stdout.split())
    print(run("echo out; echo err >&2; exit 3", shell=True, text=True, capture_output=True).returncode)
    print(run(["sh", "-c", "kill -KILL $$"]).returncode)
    try:
        run(["sleep", "60"], timeout=0.5)
    except subprocess.TimeoutExpired:
        print("timeout")
    print(run([sys.executable, "-c", "import os; print(os.environ['X'])"], env={"X": "given"}, text=True, capture_output=True).stdout.strip())
    cat = [subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)]
    print([process.communicate(str(n).encode() * 70000)[0][-1:] for n, process in enumerate(cat)])
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 7"], os.environ)
    print("spawned", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGTERM, lambda *_: (os.write(write, b"terminated"), os._exit(0)))
        os.write(write, b"ready ")
        # Not signal.pause: the signal may come just before it, and Python's handler runs only after it.
        while True:
            time.sleep(0.02)
    text = os.read(read, 6)
    os.kill(child, signal.SIGTERM)
    text += os.read(read, 10)
    print(text.decode(), os.waitpid(child, 0)[1])
    for method in ["fork", "spawn"]:
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            print(method, sum(pool.map(square, range(100))))
        value = context.Value("i", 0)
        processes = [context.Process(target=count, args=(value,)) for _ in range(2)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        print("counted", value.value)
