// Rounds the number in ?number=. Math.round takes halves up, towards positive infinity.
exports.handler = async (event) => {
  const number = Number((event.queryStringParameters || {}).number);
  if (!Number.isFinite(number)) return answer(400, { error: "number is not a number" });
  return answer(200, { number, rounded_number: Math.round(number) });
};

function answer(statusCode, body) {
  return { statusCode, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
