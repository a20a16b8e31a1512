"""As whom the feeder and `eyes publish` log in: the local stack's own accounts, else what is configured."""

from typing import Literal

from pydantic import SecretStr

from ops.stack import secrets
from ops.stack.errors import StackError
from runtime.settings import MqttSettings, Settings, stack_dir

Account = Literal["feeder", "device"]


def feeder_access(settings: Settings, account: Account = "feeder") -> MqttSettings:
    """The broker of the settings with the stack's account for this work, where the broker is the stack's own."""
    mqtt, stack = settings.mqtt, settings.stack
    if (mqtt.host, mqtt.port) != (stack.host, stack.mqtt_port):
        return mqtt
    try:
        made = secrets.load(stack_dir(stack.dir))
    except StackError:
        return mqtt
    password = made.mqtt_feeder if account == "feeder" else made.mqtt_device
    return mqtt.model_copy(update={"username": account, "password": SecretStr(password)})
