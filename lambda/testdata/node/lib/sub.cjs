exports.handler = async () => require('./dep').word;
