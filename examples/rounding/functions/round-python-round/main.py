"""Rounds the number in ?number= with Python's round, which takes halves to the even neighbour."""
import json


def handler(event, context):
    try:
        number = float((event.get("queryStringParameters") or {}).get("number"))
        rounded = round(number)
    except (TypeError, ValueError, OverflowError):
        return answer(400, {"error": "number is not a number"})
    return answer(200, {"rounded_number": rounded, "number": number})


def answer(status, body):
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
