"""Loads WSDLs with zeep. stdin: {"wsdls": {name: path}, "replies": [{"wsdl", "port", "operation", "envelope"}]} as JSON;
stdout: {"operations": {name: {port: [operation]}}, "replies": [reply as zeep read it]} as JSON."""
import json
import sys

from lxml import etree
from zeep import Client, Settings
from zeep.helpers import serialize_object


class Response:
    status_code = 200
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    encoding = "utf-8"

    def __init__(self, content):
        self.content = content


def ports(client):
    return {name: port for service in client.wsdl.services.values() for name, port in service.ports.items()}


def plain(value):
    if isinstance(value, etree._Element):
        return etree.tostring(value).decode()
    return str(value)


question = json.load(sys.stdin)
clients = {name: Client(path, settings=Settings(strict=True)) for name, path in question["wsdls"].items()}
operations = {
    name: {port: sorted(operation for operation in bound.binding.all()) for port, bound in ports(client).items()}
    for name, client in clients.items()
}
replies = []
for reply in question["replies"]:
    client = clients[reply["wsdl"]]
    binding = ports(client)[reply["port"]].binding
    read = binding.process_reply(client, binding.get(reply["operation"]), Response(reply["envelope"].encode()))
    replies.append(serialize_object(read, dict))
json.dump({"operations": operations, "replies": replies}, sys.stdout, default=plain)
