// `npm start`, `npm test`, `npm run bench` and `conclave` run this first, with whatever Node is on the PATH.
import { ROOT } from "./nats-server.mjs"
import { prepare } from "./prepare.mjs"
import { giveUp } from "./say.mjs"
import { startsServer } from "./starts-server.mjs"

const [caller, ...args] = process.argv.slice(2)
const node = await prepare(ROOT, { server: caller !== "conclave" || startsServer(args) }).catch(giveUp)
if (caller === "conclave") console.log(node)
