"""Settings from the environment in; a small Flask service with `/health` out. Listens on port 5000."""

import os
from collections.abc import Mapping

from flask import Flask, Response, jsonify, request

PORT = 5000
LONGEST_NAME = 100
NEEDED = ("DATABASE_HOST", "DATABASE_NAME", "DATABASE_USER", "DATABASE_PASSWORD", "SECRET_KEY")


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """The application. `/health` says ok only when everything it needs was given to it."""
    app = Flask("flask-api")
    app.secret_key = environ.get("SECRET_KEY")
    missing = [name for name in NEEDED if not environ.get(name)]

    @app.get("/health")
    def health() -> tuple[Response, int]:
        """What the load balancer asks. Names of settings are told, never values."""
        if missing:
            return jsonify(status="incomplete", missing=missing), 503
        return jsonify(status="ok"), 200

    @app.get("/")
    def greet() -> tuple[Response, int]:
        """Greet somebody, the world by default."""
        name = request.args.get("name", "world")
        if len(name) > LONGEST_NAME:
            return jsonify(error=f"a name has at most {LONGEST_NAME} characters"), 400
        return jsonify(message=f"Hello, {name}!"), 200

    return app


if __name__ == "__main__":
    create_app().run(host=os.environ.get("HOST", "127.0.0.1"), port=int(os.environ.get("PORT", PORT)))
