"""Answers what ?item= costs, with an id, times, tags in any order, and a score that jitters."""
import datetime
import json
import random
import time
import uuid

TAGS = ["new", "sale", "gift", "blue"]


def handler(event, context):
    item = (event.get("queryStringParameters") or {}).get("item", "1")
    body = {
        "id": str(uuid.uuid4()),
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "epoch": time.time_ns() // 1000,
        "item": item,
        "price": len(item) * 100 - 1,
        "score": round(0.5 + random.uniform(-1e-4, 1e-4), 7),
        "tags": random.sample(TAGS, len(TAGS)),
    }
    headers = {"content-type": "application/json", "x-request-id": "req-" + uuid.uuid4().hex[:12]}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(body)}
