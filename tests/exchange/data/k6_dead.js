import http from "k6/http";
export const options = { vus: 1, iterations: 3 };
export default function () { http.get("http://127.0.0.1:1/x"); }
