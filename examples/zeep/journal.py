"""What a client of Concordat must not forget: which number of which stream stands for what, and what it was told.

A number may never stand for two different requests: replicas would keep both as proof against you. So a request is written down
before it is first sent, and after a crash exactly that is sent again: same number, same MessageID, same content.
"""

import sqlite3
import threading
import uuid


class Journal:
    def __init__(self, file):
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.executescript(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS request (
              stream TEXT, number INTEGER, label TEXT, message_id TEXT, created TEXT, content TEXT,
              PRIMARY KEY (stream, number), UNIQUE (stream, label));
            CREATE TABLE IF NOT EXISTS vote (
              subject TEXT, content TEXT, replica INTEGER, PRIMARY KEY (subject, content, replica));
            """
        )

    def request(self, stream, label, content, created):
        """The request called `label`, written down now or by an earlier run: (number, message id, created)."""
        with self._lock:
            known = self._db.execute(
                "SELECT number, message_id, created, content FROM request WHERE stream = ? AND label = ?", (stream, label)
            ).fetchone()
            if known is None:
                (last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM request WHERE stream = ?", (stream,)).fetchone()
                known = (last + 1, f"urn:uuid:{uuid.uuid4()}", created, content)
                self._db.execute(
                    "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?)", (stream, known[0], label, known[1], created, content)
                )
        number, message_id, first_created, first_content = known
        if first_content != content:
            raise ValueError(f"{label} was written down with another content: {first_content}")
        return number, message_id, first_created

    def vote(self, subject, content, replica):
        """Notes what a replica said about a subject."""
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO vote VALUES (?, ?, ?)", (subject, content, replica))

    def votes(self, subject):
        """How many replicas have said the same about a subject, at most."""
        counts = "SELECT count(*) AS alike FROM vote WHERE subject = ? GROUP BY content"
        with self._lock:
            return self._db.execute(f"SELECT coalesce(max(alike), 0) FROM ({counts})", (subject,)).fetchone()[0]
