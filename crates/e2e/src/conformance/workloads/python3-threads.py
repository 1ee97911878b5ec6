#!/usr/bin/python3
"""Threads: locks, conditions, barriers, queues, a pool, timeouts."""
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

total = 0
lock = threading.Lock()


def add():
    global total
    for _ in range(2000):
        with lock:
            total += 1


threads = [threading.Thread(target=add) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("total", total)

numbers, squares = queue.Queue(maxsize=4), queue.Queue()


def work():
    while (number := numbers.get()) is not None:
        squares.put(number * number)


workers = [threading.Thread(target=work) for _ in range(4)]
for worker in workers:
    worker.start()
for number in range(300):
    numbers.put(number)
for _ in workers:
    numbers.put(None)
for worker in workers:
    worker.join()
print("squares", sum(squares.queue))

barrier = threading.Barrier(5)
order = []


def meet():
    for turn in range(20):
        barrier.wait()
        order.append(turn)
        barrier.wait()


threads = [threading.Thread(target=meet) for _ in range(5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("in order", order == sorted(order), len(order))

with ThreadPoolExecutor(max_workers=6) as pool:
    print("pool", sum(pool.map(lambda n: sum(range(n)), range(200))))

started = time.monotonic()
print("waited", threading.Event().wait(0.2), time.monotonic() - started >= 0.2)
for _ in range(100):
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
print("left", threading.active_count())
