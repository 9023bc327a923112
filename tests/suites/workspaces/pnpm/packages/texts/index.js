const isNumber = require('is-number');

exports.heading = isNumber(4) ? 'four' : 'none';
exports.patched = isNumber.patched === true;
