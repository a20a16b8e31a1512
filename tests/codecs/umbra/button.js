// The form of The Things Network v2.
function Decoder(bytes, port) {
  return { contact: bytes[0] === 1 ? "open" : "closed" };
}
