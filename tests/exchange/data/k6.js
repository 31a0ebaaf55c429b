import http from "k6/http";
import exec from "k6/execution";

export const options = { vus: 3, iterations: 30 };

export default function () {
  http.get("http://127.0.0.1:18765/health");
  http.post(
    "http://127.0.0.1:18765/api/vector/add?trial=1",
    JSON.stringify({ a: [1, 2], b: [3, 4] }),
    { headers: { "Content-Type": "application/json" }, tags: { name: "add two vectors" } },
  );
  if (exec.scenario.iterationInTest % 10 === 0) http.get("http://127.0.0.1:18765/nothing");
}
