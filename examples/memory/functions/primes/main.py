"""Counts the primes below ?below= with a sieve, ?times= over: work for the processor, and some memory."""
import json


def handler(event, context):
    query = event.get("queryStringParameters") or {}
    below = min(int(query.get("below", "1000")), 5_000_000)
    for _ in range(max(1, min(int(query.get("times", "1")), 100))):
        primes = count(below)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"below": below, "primes": primes})}


def count(below):
    if below < 3:
        return 0
    sieve = bytearray([1]) * below
    sieve[0:2] = b"\0\0"
    for n in range(2, int(below**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, below, n)))
    return sum(sieve)
