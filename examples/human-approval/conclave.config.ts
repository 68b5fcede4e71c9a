// An actor of one's own: something waits until a person has decided on it, over restarts of everything, and expires if nobody does.
import { Schema } from "effect"
import { defineConfig } from "../../extension/index.ts"
import { cancelTimer, define, setTimer } from "../../runtime/index.ts"
import { Approval, ApprovalProtocol } from "./protocol.ts"

type State = typeof Approval.Type

const DEADLINE = "deadline"

const approval = define({
  protocol: ApprovalProtocol,
  state: Approval,
  initial: (): State => ({ what: "", status: "unknown", by: null }),
  events: {
    Requested: { what: Schema.String },
    Decided: { by: Schema.String, approved: Schema.Boolean },
    Expired: {}
  },
  decide: {
    // Asked again, as after a lost answer, it is the same request.
    Request: (state, { what, wait_ms }, step) => {
      if (state.status !== "unknown") return step.reply(state)
      step.reply(step.persist("Requested", { what }))
      step.add(setTimer(DEADLINE, step.time + wait_ms, "Expire", {}))
    },
    Decide: ({ status }, decision, step) => {
      if (status === "unknown") return step.refuse("nothing waits")
      if (status === "expired") return step.refuse("too late")
      if (status !== "waiting") return step.refuse("decided already")
      step.reply(step.persist("Decided", decision))
      step.add(cancelTimer(DEADLINE))
    },
    Show: (state, _, step) => step.reply(state),
    Expire: ({ status }, _, step) => {
      if (status === "waiting") step.persist("Expired", {})
    }
  },
  evolve: {
    Requested: (_, { what }): State => ({ what, status: "waiting", by: null }),
    Decided: (state, { by, approved }): State => ({ ...state, by, status: approved ? "approved" : "refused" }),
    Expired: (state): State => ({ ...state, status: "expired" })
  }
})

export default defineConfig({ actors: [approval] })
