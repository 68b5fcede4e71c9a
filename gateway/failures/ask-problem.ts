import type { AskError } from "../../runtime/index.ts"
import type { Reply } from "../uws.ts"
import { internal, problem, unavailable } from "./problem.ts"

/** 409: the key stands for something else. */
export const keyReused = (correlationId?: string): Reply =>
  problem({
    status: 409,
    code: "key-reused",
    title: "The key was used for something else",
    detail:
      "the idempotency key, or the id of the operation, was used before by another caller, for another operation or with another body: a new request needs a new one",
    field: "idempotency-key",
    correlationId
  })

/** What went wrong with asking an actor, as a client may know it. */
export const askProblem = (error: AskError, correlationId?: string): Reply => {
  switch (error._tag) {
    case "MailboxFull":
      return unavailable(
        "mailbox-full",
        "too many messages are waiting for the actor",
        error.retry_after_ms / 1000,
        correlationId
      )
    case "Overloaded":
      return unavailable("overloaded", "too much is waiting to be sent", error.retry_after_ms / 1000, correlationId)
    case "LogFull":
      return unavailable(
        "log-full",
        "the log is full: nothing can be stored until there is room",
        error.retry_after_ms / 1000,
        correlationId
      )
    case "LogUnavailable":
      return unavailable("log-unavailable", "the log does not answer", 1, correlationId)
    case "LogReplaced":
      return unavailable("log-replaced", "the log was replaced: the system has to be started anew", 30, correlationId)
    case "ActorUnavailable":
      return unavailable(
        "actor-unavailable",
        "the actor is paused, or no live node has its type; its message is kept and waits",
        10,
        correlationId
      )
    case "AskTimeout":
      return problem({
        status: 504,
        code: "timeout",
        title: "It took too long",
        detail: `no answer within ${error.timeout_ms} ms; it may still be under way, and its events will be published`,
        correlationId
      })
    case "NoNodeServes":
      return unavailable("no-node", error.detail, 5, correlationId)
    case "KeyReused":
      return keyReused(correlationId)
    case "TooLarge":
      return problem({
        status: 413,
        code: "body-too-large",
        title: "The body is too large",
        detail: "what was sent is more than the log takes in one message",
        correlationId
      })
    case "InvalidAddress":
    case "InvalidMessage":
    case "ActorFailed":
    case "ActorStopped":
    case "LogRefused":
    case "Fenced":
    case "AlreadyStored":
      return internal(correlationId)
  }
}
