"""Draws ?text= as a QR code. WRONG_MODULE=row,column turns one module around, as a faulty encoder would."""
import base64
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendor"))

import segno  # noqa: E402


def handler(event, context):
    text = (event.get("queryStringParameters") or {}).get("text", "")
    code = segno.make_qr(text, version=5, error="m", mask=3, mode="byte", encoding="utf-8", boost_error=False)
    wrong = os.environ.get("WRONG_MODULE")
    if wrong:
        row, column = map(int, wrong.split(","))
        code.matrix[row][column] ^= 1
    png = io.BytesIO()
    code.save(png, kind="png", scale=4, border=4)
    return {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "isBase64Encoded": True,
        "body": base64.b64encode(png.getvalue()).decode(),
    }
