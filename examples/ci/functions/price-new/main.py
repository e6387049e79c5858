import json

DISCOUNT = {True: 90, False: 100}


def handler(event, context):
    items = int((event.get("queryStringParameters") or {}).get("items", "1"))
    cents = items * 995 * DISCOUNT[items > 10] // 100
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"cents": cents, "items": items})}
