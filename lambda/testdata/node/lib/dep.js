exports.word = 'from lib';
