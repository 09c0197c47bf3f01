"""What the documented business rule of a ServiceNow twin sends."""

import uuid

import orjson

from loopbot.sandbox.courier import Letter
from loopbot.sandbox.servicenow.twin import ServiceNowTwin


def servicenow_letter(twin: ServiceNowTwin, table: str, key: str, secret: str) -> Letter:
    """About a row as it is now."""
    row = twin.row(table, key)
    told = {
        "id": uuid.uuid4().hex,
        "table": table,
        "sys_id": row["sys_id"],
        "number": row.get("number", ""),
        "sys_updated_on": row["sys_updated_on"],
        "sent_at": int(twin.moment().timestamp() * 1000),
    }
    return Letter({"X-Loopbot-Secret": secret}, orjson.dumps(told))
