// The form of The Things Stack and of ChirpStack v4.
function decodeUplink(input) {
  if (input.fPort !== 2) {
    return { errors: ["unknown FPort"] };
  }
  return {
    data: {
      battery_voltage: ((input.bytes[0] << 8) | input.bytes[1]) / 1000,
      distance_mm: (input.bytes[2] << 8) | input.bytes[3],
    },
    warnings: [],
  };
}

function normalizeUplink(input) {
  return { data: { battery: input.data.battery_voltage } };
}
