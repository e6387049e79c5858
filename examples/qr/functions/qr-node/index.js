// Draws ?text= as a QR code. Version, error correction, mask and mode are fixed, so that any correct
// encoder draws the same modules.
const QRCode = require("qrcode");

exports.handler = async (event) => {
  const text = (event.queryStringParameters || {}).text || "";
  const segments = [{ data: Buffer.from(text, "utf8"), mode: "byte" }];
  const png = await QRCode.toBuffer(segments, {
    version: 5, errorCorrectionLevel: "M", maskPattern: 3, scale: 4, margin: 4,
  });
  return { statusCode: 200, headers: { "content-type": "image/png" }, isBase64Encoded: true, body: png.toString("base64") };
};
