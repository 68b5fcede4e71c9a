// Asks for an approval, decides on one, or shows it:
//   ask.ts NATS_URL request ID WHAT | approve ID WHO | refuse ID WHO | show ID
import { Effect } from "effect"
import { Actors, layerNatsClient } from "../../runtime/index.ts"
import { ApprovalProtocol } from "./protocol.ts"

const [url = "", verb = "show", id = "", text = ""] = process.argv.slice(2)
const DAY = 86_400_000

const program = Effect.gen(function* () {
  const { ask } = yield* Actors
  if (verb === "request") return yield* ask(ApprovalProtocol, id, "Request", { what: text, wait_ms: 7 * DAY })
  if (verb === "show") return yield* ask(ApprovalProtocol, id, "Show", {})
  return yield* ask(ApprovalProtocol, id, "Decide", { by: text, approved: verb === "approve" })
}).pipe(
  Effect.map(({ what, status, by }) => `${id}: ${what}: ${status}${by === null ? "" : ` by ${by}`}`),
  Effect.catch((error) => Effect.succeed(`${id}: ${typeof error === "string" ? error : error.message}`)),
  Effect.provide(layerNatsClient({ url, namespace: "conclave", name: "approvals" }))
)
console.log(await Effect.runPromise(program))
