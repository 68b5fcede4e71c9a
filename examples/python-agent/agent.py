#!/usr/bin/env python3
"""An agent outside the system: it opens a round, and votes in it beside the agents inside. Python's standard library only.

Usage: agent.py [GATEWAY] [SYMBOL], with a token in GATEWAY_TOKEN where the gateway wants one.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.request

GATEWAY = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
SYMBOL = sys.argv[2] if len(sys.argv) > 2 else "ACME"
NAME = "snake"
# Open longer than anybody takes, so that it is votes that end the round.
TIMEOUT_MILLIS = 20_000


def call(path, body=None):
    """What the gateway answers, or an exit with its sentence."""
    headers = {"content-type": "application/json"}
    if "GATEWAY_TOKEN" in os.environ:
        headers["authorization"] = "Bearer " + os.environ["GATEWAY_TOKEN"]
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(GATEWAY + "/api/v1/agents" + path, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code}: {error.read().decode()}")
    except urllib.error.URLError as error:
        sys.exit(f"nobody answers on {GATEWAY}: {error.reason}")


def decide(heard):
    """Against the crowd where it is one, and nothing otherwise. `heard` are the votes of the last analysis."""
    said = {vote["decision"] for vote in heard}
    against = {"BUY": "SELL", "SELL": "BUY"}.get(said.pop()) if len(said) == 1 else None
    if against is None:
        return {"decision": "HOLD", "confidence": 0.4, "reasoning": "There is no crowd to leave."}
    return {"decision": against, "confidence": 0.5, "reasoning": "Everybody says the same."}


analysis = call("/analyze", {"symbol": SYMBOL})
opened = call(
    "/consensus",
    {
        "symbol": SYMBOL,
        "agents": ["market_analyst", "risk_advisor"],
        "invited": [{"agent_id": NAME, "agent_type": "contrarian", "external": True}],
        "required_agents": [NAME],
        "timeout_ms": TIMEOUT_MILLIS,
    },
)
vote = {"agent_id": NAME, "agent_type": "contrarian", "token": opened["tokens"][NAME]}
call(f"/consensus/{opened['consensus_id']}/votes", {**vote, **decide(analysis["votes"])})
while True:
    status = call(f"/consensus/{opened['consensus_id']}")
    if status["phase"] == "closed":
        break
    time.sleep(0.1)
result = status["result"]
print(f"{SYMBOL}: {result['final_decision']} {result['confidence']:.2f}")
for vote in result["votes"]:
    print(f"  {vote['agent_id']:22}{vote['decision']:5}{vote['confidence']:.2f}  {vote['reasoning'][:60]}")
