import json


def handler(event, context):
    items = int((event.get("queryStringParameters") or {}).get("items", "1"))
    total = items * 995 * (90 if items >= 10 else 100) // 100
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"items": items, "cents": total})}
