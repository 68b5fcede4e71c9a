import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { Pattern } from "../../../protocols/index.ts"
import { KNOWN, WATCHED } from "../../admission/access.ts"
import { health, readiness } from "../health.ts"
import { addressOf, annotations, operation } from "./entry.ts"
import { Count, problems, REFUSALS } from "./schemas.ts"

const Client = Schema.Struct({
  session: Schema.String,
  subject: Schema.NullOr(Schema.String),
  address: Schema.String,
  patterns: Schema.Array(Pattern),
  /** What became of its events. */
  events: Schema.Struct({ produced: Count, sent: Count, dropped: Count, conflated: Count, waiting: Count })
})

const list = HttpApiEndpoint.get("list", "/api/v1/clients", {
  success: Schema.Struct({ clients: Schema.Array(Client) }),
  error: problems(REFUSALS)
})

const listing = {
  summary: "Who is connected and subscribed to what",
  listed: "who is connected and subscribed to what, for operators",
  access: { ...KNOWN, right: "clients" }
} as const

/** Where it is said who is connected: no operation, as its answer is made once for many. */
export const clientsAddress = addressOf(list, listing)

/** Who is connected. */
export const clients = HttpApiGroup.make("clients").add(list.annotateMerge(annotations(listing, clientsAddress)))

const Health = Schema.Struct({
  status: Schema.Literal("ok"),
  version: Schema.String,
  uptime_seconds: Count,
  connections: Count,
  subscriptions: Count,
  watches: Count
})

/** How the gateway is. */
export const system = HttpApiGroup.make("system").add(
  operation(HttpApiEndpoint.get("health", "/healthz", { success: Health }), {
    summary: "Whether the gateway is alive",
    access: WATCHED,
    run: () => ({ result: health })
  }),
  operation(
    HttpApiEndpoint.get("ready", "/readyz", {
      success: Schema.Struct({ status: Schema.Literal("ready") }),
      error: problems([503])
    }),
    {
      summary: "Whether the system can answer",
      access: WATCHED,
      run: () => ({ result: readiness })
    }
  )
)
