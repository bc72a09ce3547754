"""A stand-in for Google Cloud Storage: the part of its JSON API that tensorstore uses, in memory, in a thread."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Storage:
    """Buckets -> objects (bytes, generation); `failing` makes writes answer 403; `log` names each request."""

    def __init__(self, *buckets: str):
        self.objects: dict[str, dict[str, tuple[bytes, int]]] = {name: {} for name in buckets}
        self.failing, self.log, self.last, self.lock = False, list[str](), 0, threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"storage": self}))
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def environment(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.server.server_port}"
        return {"TENSORSTORE_GCS_HTTP_URL": url, "GOOGLE_AUTH_TOKEN_FOR_TESTING": "test"}

    def write(self, bucket: str, name: str, data: bytes, expected: int | None) -> int:
        """Generation of the object written, 0 where another generation than the expected one is there."""
        with self.lock:
            if expected is not None and self.objects[bucket].get(name, (b"", 0))[1] != expected:
                return 0
            self.last += 1
            self.objects[bucket][name] = data, self.last
            return self.last

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    storage: Storage

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def place(self) -> tuple[str, str, dict[str, str]]:
        """(bucket, object, query) of the request."""
        parts = urlsplit(self.path)
        bucket, _, name = parts.path.partition("/b/")[2].partition("/o")
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        self.storage.log.append(f"{self.command} {query.get('name') or unquote(name[1:])}")
        return bucket, unquote(name[1:]), query

    def do_POST(self) -> None:
        bucket, _, query = self.place()
        data = self.rfile.read(int(self.headers["content-length"]))
        if bucket not in self.storage.objects:
            return self.answer(404)
        if self.storage.failing:
            return self.answer(403)
        expected = query.get("ifGenerationMatch")
        made = self.storage.write(bucket, query["name"], data, None if expected is None else int(expected))
        return self.answer(200, metadata(query["name"], data, made)) if made else self.answer(412)

    def do_GET(self) -> None:
        bucket, name, query = self.place()
        found = self.storage.objects.get(bucket)
        if found is None:
            return self.answer(404)
        if name:
            if name not in found:
                return self.answer(404)
            data, generation = found[name]
            return self.answer(200, data, **{"x-goog-generation": str(generation), "x-goog-metageneration": "1"})
        low, high = query.get("startOffset", ""), query.get("endOffset", "\U0010ffff")
        named = sorted(key for key in list(found) if low <= key < high)
        start = int(query.get("pageToken", 0))
        items = [json.loads(metadata(key, *found[key])) for key in named[start : start + 50]]
        more = {"nextPageToken": str(start + 50)} if len(named) > start + 50 else {}
        return self.answer(200, json.dumps({"kind": "storage#objects", "items": items, **more}).encode())

    def do_DELETE(self) -> None:
        bucket, name, _ = self.place()
        there = self.storage.objects.get(bucket, {}).pop(name, None)
        self.answer(204 if there else 404)

    def log_message(self, *_: object) -> None:
        pass


def metadata(name: str, data: bytes, generation: int) -> bytes:
    said = {"kind": "storage#object", "name": name, "size": str(len(data)), "generation": str(generation)}
    return json.dumps(said | {"metageneration": "1"}).encode()
