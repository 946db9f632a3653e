"""How the server is reached: addressing styles, proxies, environment, redirects, reuse."""
import gzip

from rgw import Gateway


def put_one(s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,x\n2,y\n")


def host_of(request):
    return next(line.split(":", 1)[1].strip() for line in request[2] if line.lower().startswith("host:"))


def test_path_style_is_used_for_an_ip_address(through_proxy, proxy, s3, bucket):
    put_one(s3, bucket)
    through_proxy.load()
    assert through_proxy.ids() == [1, 2]
    assert all(target.startswith("/%s" % bucket) for _, target, _ in proxy.requests)


def test_virtual_host_style_is_used_when_asked(through_proxy, proxy, s3, bucket):
    put_one(s3, bucket)
    through_proxy.load(endpoint="http://%s:%d" % (Gateway.dns_name, proxy.port), path_style=False)
    assert through_proxy.ids() == [1, 2]
    assert {host_of(request) for request in proxy.requests} == {
        "%s.%s:%d" % (bucket, Gateway.dns_name, proxy.port)}
    assert not any(target.startswith("/%s" % bucket) for _, target, _ in proxy.requests)


def test_path_style_is_used_when_asked(through_proxy, proxy, s3, bucket):
    put_one(s3, bucket)
    through_proxy.load(endpoint="http://%s:%d" % (Gateway.dns_name, proxy.port), path_style=True)
    assert through_proxy.ids() == [1, 2]
    assert all(target.startswith("/%s" % bucket) for _, target, _ in proxy.requests)


def test_forward_proxy_carries_the_requests(penstock, proxy, s3, bucket):
    put_one(s3, bucket)
    penstock.load(http_proxy={"host": "127.0.0.1", "port": proxy.port, "https": False})
    assert penstock.ids() == [1, 2]
    assert proxy.count("GET", "a.csv") == 1


def test_endpoint_comes_from_the_environment(penstock, gateway, s3, bucket):
    put_one(s3, bucket)
    penstock.load(endpoint=None, env={"AWS_ENDPOINT_URL_S3": gateway.endpoint, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert penstock.ids() == [1, 2]


def test_endpoint_option_wins_over_the_environment(penstock, s3, bucket):
    put_one(s3, bucket)
    penstock.load(env={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"})
    assert penstock.ids() == [1, 2]


def test_gzip_object_loads(penstock, s3, bucket):
    members = gzip.compress(b"id,name\n1,x\n") + gzip.compress(b"2,y\n")
    s3.put(bucket, "a.csv.gz", members)
    penstock.load(decoders=[{"type": "gzip"}])
    assert penstock.ids() == [1, 2]


def test_bytes_are_the_same_whatever_the_machine_says(penstock, s3, bucket):
    s3.put(bucket, "a.csv", "id,name\n1,2024-05-06 07:08:09\n")
    parser = {"type": "csv", "skip_header_lines": 1, "columns": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": "timestamp", "format": "%Y-%m-%d %H:%M:%S"}]}
    for number, env in enumerate([{"TZ": "Asia/Kolkata", "LC_ALL": "C"}, {"TZ": "America/New_York"}, {}]):
        penstock.load("--time-column", "at", table="tab%d" % number, parser=parser, env=env)
        assert penstock.query("SELECT \"at\" FROM tab%d" % number) == [{"at": "2024-05-06T07:08:09Z"}]
