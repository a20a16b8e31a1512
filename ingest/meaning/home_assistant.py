"""Names of Home Assistant: what its device classes measure, and the abbreviations of its discovery messages.

Sources: https://www.home-assistant.io/integrations/mqtt/#supported-abbreviations-in-mqtt-discovery-messages,
https://www.home-assistant.io/integrations/sensor/#device-class and .../binary_sensor/#device-class. Of the
abbreviations those stand here that name something we read; the others are of commands and of what is only set.
"""

from collections.abc import Mapping
from typing import Final

from ingest.meaning.household import Field, Fields


def _pairs(text: str) -> dict[str, str]:
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


ENTITY: Final[Mapping[str, str]] = _pairs(
    """
    avty availability  avty_mode availability_mode  avty_t availability_topic  avty_tpl availability_template
    pl_avail payload_available  pl_not_avail payload_not_available  dev device  o origin  cmps components  p platform
    stat_t state_topic  stat_tpl state_template  stat_val_tpl state_value_template  val_tpl value_template
    dev_cla device_class  unit_of_meas unit_of_measurement  stat_cla state_class  uniq_id unique_id  obj_id object_id
    def_ent_id default_entity_id  name name  ic icon  en enabled_by_default  ent_cat entity_category
    pl_on payload_on  pl_off payload_off  stat_on state_on  stat_off state_off
    stat_open state_open  stat_clsd state_closed  stat_opening state_opening  stat_closing state_closing
    stat_locked state_locked  stat_unlocked state_unlocked  pl_open payload_open  pl_cls payload_close
    pos_t position_topic  pos_tpl position_template  pos reports_position  t topic  e encoding  exp_aft expire_after
    off_dly off_delay  frc_upd force_update  json_attr_t json_attributes_topic  json_attr_tpl json_attributes_template
    curr_temp_t current_temperature_topic  curr_temp_tpl current_temperature_template
    curr_hum_t current_humidity_topic  curr_hum_tpl current_humidity_template  temp_unit temperature_unit
    cmd_t command_topic  evt_typ event_types  schema schema  ops options  migr_discvry migrate_discovery
    """
)
DEVICE: Final[Mapping[str, str]] = _pairs(
    """
    ids identifiers  cns connections  cu configuration_url  name name  mf manufacturer  mdl model  mdl_id model_id
    hw hw_version  sw sw_version  sa suggested_area  sn serial_number
    """
)
ORIGIN: Final[Mapping[str, str]] = _pairs("name name  sw sw_version  url support_url")

SENSORS: Final[Fields] = {
    "apparent_power": Field("apparent_power"),
    "atmospheric_pressure": Field("pressure"),
    "battery": Field("battery_percent"),
    "carbon_dioxide": Field("co2"),
    "carbon_monoxide": Field("co"),
    "conductivity": Field("conductivity"),
    "current": Field("current"),
    "distance": Field("distance"),
    "energy": Field("energy"),
    "frequency": Field("frequency"),
    "gas": Field("meter_reading"),
    "humidity": Field("humidity"),
    "illuminance": Field("illuminance"),
    "irradiance": Field("solar_irradiance"),
    "moisture": Field("soil_moisture"),
    "nitrogen_dioxide": Field("no2"),
    "ozone": Field("o3"),
    "ph": Field("ph", "[pH]"),
    "pm10": Field("pm10"),
    "pm25": Field("pm2_5"),
    "power": Field("power"),
    "power_factor": Field("power_factor", "1"),
    "precipitation_intensity": Field("rain_rate"),
    "pressure": Field("pressure"),
    "reactive_power": Field("reactive_power"),
    "signal_strength": Field("rssi"),
    "sound_pressure": Field("sound_level"),
    "sulphur_dioxide": Field("so2"),
    "temperature": Field("temperature"),
    "volatile_organic_compounds_parts": Field("tvoc"),
    "voltage": Field("voltage"),
    "volume": Field("meter_reading"),
    "volume_flow_rate": Field("flow"),
    "water": Field("meter_reading"),
    "wind_direction": Field("wind_direction"),
    "wind_speed": Field("wind_speed"),
}
"""By device class; a value is in the entity's ``unit_of_measurement``, where none is given here."""

BINARY_SENSORS: Final[Fields] = {
    "battery": Field("low_battery"),
    "carbon_monoxide": Field("gas_alarm", channel="carbon_monoxide"),
    "connectivity": Field("online"),
    "door": Field("contact_open"),
    "garage_door": Field("contact_open"),
    "gas": Field("gas_alarm"),
    "moisture": Field("water_leak"),
    "motion": Field("motion"),
    "occupancy": Field("occupied"),
    "opening": Field("contact_open"),
    "presence": Field("occupied"),
    "problem": Field("fault"),
    "smoke": Field("smoke_alarm"),
    "tamper": Field("tamper"),
    "vibration": Field("vibration"),
    "window": Field("contact_open"),
}
SWITCHES: Final = frozenset({"switch", "light", "fan", "siren", "humidifier", "input_boolean"})
"""Components whose state is on or off."""
COVERS_OF_OPENINGS: Final = frozenset({"door", "garage", "gate", "window"})
"""Device classes of covers of which open means that one can pass; blinds and awnings are none."""
UNITS_OF_ONE: Final[Fields] = {
    "°C": Field("temperature"),
    "°F": Field("temperature"),
    "lx": Field("illuminance"),
    "W": Field("power"),
    "kW": Field("power"),
    "Wh": Field("energy"),
    "kWh": Field("energy"),
    "V": Field("voltage"),
    "A": Field("current"),
    "hPa": Field("pressure"),
    "dBm": Field("rssi"),
    "m³/h": Field("flow"),
    "L/min": Field("flow"),
}
"""Units that only one property has, for sensors without a device class."""

COMPONENTS: Final = frozenset(
    [
        "alarm_control_panel",
        "automation",
        "binary_sensor",
        "button",
        "camera",
        "climate",
        "cover",
        "device",
        "device_automation",
        "device_tracker",
        "event",
        "fan",
        "humidifier",
        "image",
        "lawn_mower",
        "light",
        "lock",
        "notify",
        "number",
        "scene",
        "select",
        "sensor",
        "siren",
        "switch",
        "tag",
        "text",
        "update",
        "vacuum",
        "valve",
        "water_heater",
    ]
)
"""That MQTT discovery knows; ``device`` holds several."""
