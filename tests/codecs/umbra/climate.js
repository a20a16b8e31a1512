// The form of ChirpStack v3.
var SCALE = 10;
function Decode(fPort, bytes, variables) {
  var decoded = {};
  for (i = 0; i + 2 < bytes.length; i += 3) {
    if (bytes[i] == 1) decoded.temperature = (((bytes[i + 1] << 24) >> 16) | bytes[i + 2]) / SCALE;
    if (bytes[i] == 2) decoded.humidity = ((bytes[i + 1] << 8) | bytes[i + 2]) / SCALE;
  }
  if (variables && variables.room) decoded.room = variables.room;
  return decoded;
}
