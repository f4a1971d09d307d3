// MD5 (RFC 1321) of a string whose characters are bytes, as hexadecimal; used by login.html for http-chap.
// Characters are taken as bytes, not as UTF-8: the challenge is binary.
function hexMD5(text) {
  var shifts = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
  var words = [], length = text.length, state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476], i, j;
  for (i = 0; i < length; i++) words[i >> 2] |= (text.charCodeAt(i) & 255) << (i % 4) * 8;
  words[length >> 2] |= 128 << (length % 4) * 8;
  var total = ((length + 8 >> 6) + 1) * 16;
  words[total - 2] = length * 8;
  for (i = 0; i < total; i += 16) {
    var a = state[0], b = state[1], c = state[2], d = state[3];
    for (j = 0; j < 64; j++) {
      var round = j >> 4, mix, at;
      if (round === 0) { mix = b & c | ~b & d; at = j; }
      else if (round === 1) { mix = d & b | ~d & c; at = (5 * j + 1) % 16; }
      else if (round === 2) { mix = b ^ c ^ d; at = (3 * j + 5) % 16; }
      else { mix = c ^ (b | ~d); at = 7 * j % 16; }
      var sum = a + mix + Math.floor(Math.abs(Math.sin(j + 1)) * 4294967296) + (words[i + at] | 0) | 0;
      var turn = shifts[round][j % 4];
      a = d; d = c; c = b;
      b = b + (sum << turn | sum >>> 32 - turn) | 0;
    }
    state = [state[0] + a | 0, state[1] + b | 0, state[2] + c | 0, state[3] + d | 0];
  }
  var hex = '';
  for (i = 0; i < 16; i++) {
    var byte = state[i >> 2] >>> (i % 4) * 8 & 255;
    hex += (byte < 16 ? '0' : '') + byte.toString(16);
  }
  return hex;
}
