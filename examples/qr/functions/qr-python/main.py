"""Draws ?text= as a QR code. WRONG_MODULE=row,column turns one module around, as a faulty encoder would."""
import base64
import io
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "vendor"))

from qrcode import QRCode, constants, util  # noqa: E402
from qrcode.image.pure import PyPNGImage  # noqa: E402


def handler(event, context):
    text = (event.get("queryStringParameters") or {}).get("text", "")
    # The same choices as the Node.js function: any correct encoder then draws the same modules.
    code = QRCode(version=5, error_correction=constants.ERROR_CORRECT_M, mask_pattern=3, box_size=4, border=4)
    code.add_data(util.QRData(text.encode(), mode=util.MODE_8BIT_BYTE))
    code.make(fit=False)
    wrong = os.environ.get("WRONG_MODULE")
    if wrong:
        row, column = map(int, wrong.split(","))
        code.modules[row][column] = not code.modules[row][column]
    png = io.BytesIO()
    code.make_image(image_factory=PyPNGImage).save(png)
    return {
        "statusCode": 200,
        "headers": {"content-type": "image/png"},
        "isBase64Encoded": True,
        "body": base64.b64encode(png.getvalue()).decode(),
    }
