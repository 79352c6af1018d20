"""Opens signed messages as examples/zeep does. argv[1]: the cluster's directory; standard input: a JSON list of texts."""

import json
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples" / "zeep"))
import concordat  # noqa: E402


def opened(text, cluster):
    try:
        message = concordat.verify(text.encode(), cluster)
        return {"replica": message.replica, "action": message.action, "messageId": message.message_id}
    except concordat.Refused as refused:
        return {"refused": str(refused)}


cluster = concordat.Cluster(sys.argv[1])
print(json.dumps([opened(text, cluster) for text in json.load(sys.stdin)]))
