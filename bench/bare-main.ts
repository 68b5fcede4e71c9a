// One consumer of the bare loop as a process of its own: `node bench/bare-main.ts URL STREAM PARTS PART`, with a channel
// to who started it. It says "ready", then how many messages it has recorded, and ends with the channel.
import { connect } from "@nats-io/transport-node"
import { startWorker } from "./bare-worker.ts"

const [url = "", stream = "", parts = "", part = ""] = process.argv.slice(2)

const connection = await connect({ servers: url, noAsyncTraces: true })
process.on("disconnect", () => process.exit())
await startWorker({ connection, stream, parts: Number(parts) }, Number(part), (recorded) =>
  process.send?.({ recorded, rss: process.memoryUsage.rss() })
)
await connection.flush()
process.send?.("ready")
