"""The referee: xmlsec1's library and libxml2's canonicalizer (Debian: python3-xmlsec, python3-lxml).

Reads one JSON object a line, {"xml", "key" (PEM), "parts": [{"id", "prefixes"}]}, and answers each with one,
{"valid", "parts": {id: canonical text}}. Without a key it only canonicalizes. One process judges thousands of messages.

lxml hands libxml2 only those listed prefixes that the document knows as names, so it drops "#default": the text of such a part is
left out, and what xmlsec1, which has no such habit, says of its digest stands alone.
"""

import json
import sys

import xmlsec
from lxml import etree

DEFAULT = "#default"
DS = "http://www.w3.org/2000/09/xmldsig#"


def canonical(element, prefixes):
    return etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, inclusive_ns_prefixes=prefixes or None
    ).decode()


def is_valid(root, key):
    xmlsec.tree.add_ids(root, ["Id"])
    context = xmlsec.SignatureContext()
    context.key = key
    try:
        context.verify(root.find(".//{%s}Signature" % DS))
        return True
    except xmlsec.Error:
        return False


def judge(message, keys):
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(message["xml"].encode(), parser)
    by_id = {value: e for e in root.iter("*") for name, value in e.attrib.items() if name.endswith("}Id")}
    parts = {
        part["id"]: canonical(by_id[part["id"]], part["prefixes"])
        for part in message["parts"]
        if DEFAULT not in part["prefixes"]
    }
    pem = message.get("key")
    if pem is None:
        return {"valid": False, "parts": parts}
    if pem not in keys:
        keys[pem] = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem)
    return {"valid": is_valid(root, keys[pem]), "parts": parts}


def main():
    xmlsec.enable_debug_trace(False)
    keys = {}
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line), keys)), flush=True)


main()
