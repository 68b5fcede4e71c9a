// Every decision on a symbol, also after a drop: `node client/examples/watch.ts ws://127.0.0.1:8080/ws AAPL`
import { GatewayClient } from "../index.ts"

const [url = "ws://127.0.0.1:8080/ws", symbol = "*"] = process.argv.slice(2)

const client = new GatewayClient({
  url,
  onState: (state, reason) => console.error(state, reason)
})

const decisions = client.subscribe(`decision.${symbol.replaceAll(".", "%2E")}.*`, {
  start: "last",
  onGap: ({ reason, from, to }) => console.error(`missing ${from} to ${to}: ${reason}`)
})

for await (const { seq, data } of decisions) {
  console.log(seq, data.symbol, data.agent_type, data.decision, data.confidence.toFixed(2))
}
