import { Schema } from "effect"

/** What is known of one thing that somebody has to approve. */
export const Approval = Schema.Struct({
  what: Schema.String,
  status: Schema.Literals(["unknown", "waiting", "approved", "refused", "expired"]),
  by: Schema.NullOr(Schema.String)
})

/** What is said to an approval; its id is that of the thing. Whoever only talks to it needs this file and not its code. */
export const ApprovalProtocol = {
  type: "approval",
  messages: {
    Request: { payload: Schema.Struct({ what: Schema.String, wait_ms: Schema.Int }), reply: Approval },
    Decide: {
      payload: Schema.Struct({ by: Schema.String, approved: Schema.Boolean }),
      reply: Approval,
      error: Schema.Literals(["nothing waits", "decided already", "too late"])
    },
    Show: { payload: Schema.Struct({}), reply: Approval },
    /** Its own timer: nobody decided in time. */
    Expire: { payload: Schema.Struct({}) }
  }
} as const
