"""Rounds the number in ?number=, halves up by floor(x + 0.5)."""
import json
import math


def handler(event, context):
    try:
        number = float((event.get("queryStringParameters") or {}).get("number"))
        rounded = math.floor(number + 0.5)
    except (TypeError, ValueError, OverflowError):
        return answer(400, {"error": "number is not a number"})
    return answer(200, {"rounded_number": rounded, "number": number})


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
