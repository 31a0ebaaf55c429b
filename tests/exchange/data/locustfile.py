# mypy: ignore-errors
from locust import HttpUser, constant_pacing, task


class Visitor(HttpUser):
    wait_time = constant_pacing(0.2)

    @task(4)
    def add(self):
        self.client.post("/api/vector/add", json={"a": [1, 2], "b": [3, 4]})

    @task(1)
    def nothing(self):
        self.client.get("/nothing")
