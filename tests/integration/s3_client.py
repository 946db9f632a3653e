"""A small S3 and STS client for tests: SigV4 of our own over http.client, path-style requests.

It shares no code with the program under test. Every call raises S3Error for a status of 300 or
more.
"""
import datetime
import hashlib
import hmac
import http.client
import urllib.parse
import xml.etree.ElementTree as xml

UNRESERVED = "-_.~"


class S3Error(RuntimeError):
    def __init__(self, status, body):
        super().__init__("status %d: %s" % (status, body[:500].decode("utf-8", "replace")))
        self.status = status
        self.body = body


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def sign(method, host, path, query, headers, payload, credentials, service="s3", region="us-east-1"):
    """The headers of a signed request. in: path is percent-encoded; credentials: (access, secret[, token])"""
    access, secret, token = (tuple(credentials) + (None,))[:3]
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    digest = hashlib.sha256(payload).hexdigest()
    all_headers = {k.lower(): v for k, v in headers.items()}
    all_headers.update({"host": host, "x-amz-date": stamp, "x-amz-content-sha256": digest})
    if token:
        all_headers["x-amz-security-token"] = token
    names = sorted(all_headers)
    canonical_query = "&".join("%s=%s" % (urllib.parse.quote(k, UNRESERVED), urllib.parse.quote(v, UNRESERVED))
                               for k, v in sorted(query.items()))
    canonical = "\n".join([method, path, canonical_query,
                           "".join("%s:%s\n" % (n, all_headers[n].strip()) for n in names),
                           ";".join(names), digest])
    scope = "%s/%s/%s/aws4_request" % (day, region, service)
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = _hmac(_hmac(_hmac(_hmac(("AWS4" + secret).encode(), day), region), service), "aws4_request")
    all_headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        access, scope, ";".join(names), hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest())
    return all_headers, canonical_query


class S3Client:
    def __init__(self, endpoint, credentials):
        self.endpoint = endpoint
        self.host = endpoint.split("://", 1)[1]
        self.credentials = credentials

    def request(self, method, path="/", query=None, payload=b"", headers=None, service="s3"):
        """One signed request (unsigned without credentials). Returns (headers, body)."""
        query = query or {}
        if self.credentials:
            signed, text = sign(method, self.host, path, query, headers or {}, payload,
                                self.credentials, service)
        else:
            signed, text = dict(headers or {}), urllib.parse.urlencode(query)
        connection = http.client.HTTPConnection(self.host, timeout=600)
        try:
            connection.request(method, path + ("?" + text if text else ""), payload, signed)
            reply = connection.getresponse()
            body = reply.read()
        finally:
            connection.close()
        if reply.status >= 300:
            raise S3Error(reply.status, body)
        return dict((k.lower(), v) for k, v in reply.getheaders()), body

    @staticmethod
    def path(bucket, key=""):
        return "/%s/%s" % (bucket, urllib.parse.quote(key, UNRESERVED + "/")) if key else "/" + bucket

    def create_bucket(self, bucket):
        self.request("PUT", self.path(bucket))

    def put(self, bucket, key, data, headers=None):
        """Stores the bytes (or text). Returns the ETag without quotes."""
        payload = data.encode() if isinstance(data, str) else data
        return self.request("PUT", self.path(bucket, key), payload=payload, headers=headers)[0]["etag"].strip('"')

    def get(self, bucket, key, headers=None):
        return self.request("GET", self.path(bucket, key), headers=headers)[1]

    def delete(self, bucket, key):
        self.request("DELETE", self.path(bucket, key))

    def copy(self, bucket, key, to):
        source = urllib.parse.quote("/%s/%s" % (bucket, key))
        self.request("PUT", self.path(bucket, to), headers={"x-amz-copy-source": source})

    def list(self, bucket, prefix=""):
        """All keys, in the server's order, with their LastModified and StorageClass."""
        found, token = [], None
        while True:
            query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
            if token:
                query["continuation-token"] = token
            root = xml.fromstring(self.request("GET", self.path(bucket), query)[1])
            space = root.tag.split("}")[0] + "}"
            for item in root.iter(space + "Contents"):
                found.append({child.tag[len(space):]: child.text for child in item})
                found[-1]["Key"] = urllib.parse.unquote_plus(found[-1]["Key"])
            token = root.findtext(space + "NextContinuationToken")
            if not token:
                return found

    def keys(self, bucket, prefix=""):
        return [item["Key"] for item in self.list(bucket, prefix)]

    def allow_public_read(self, bucket):
        """A bucket policy that lets anybody list and read."""
        policy = ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",'
                  '"Action":["s3:ListBucket","s3:GetObject"],'
                  '"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}' % (bucket, bucket))
        self.request("PUT", self.path(bucket), {"policy": ""}, policy.encode())

    def session_token(self, seconds=900):
        """STS GetSessionToken: temporary (access, secret, token)."""
        return self.sts({"Action": "GetSessionToken", "DurationSeconds": str(seconds)})

    def assume_role(self, arn, seconds=900):
        return self.sts({"Action": "AssumeRole", "RoleArn": arn, "RoleSessionName": "test",
                          "DurationSeconds": str(seconds)})

    def form(self, form, service):
        """A call of the STS or IAM interface; the parsed reply."""
        payload = urllib.parse.urlencode(form).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return xml.fromstring(self.request("POST", "/", payload=payload, headers=headers, service=service)[1])

    def sts(self, form):
        root = self.form(dict(form, Version="2011-06-15"), "sts")
        found = {element.tag.split("}")[-1]: element.text for element in root.iter()}
        return found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]

    def put_user_policy(self, user, policy):
        """Attaches a policy to a user (this client's user needs the right to do so)."""
        self.form({"Action": "PutUserPolicy", "UserName": user, "PolicyName": "test",
                   "PolicyDocument": policy, "Version": "2010-05-08"}, "iam")
