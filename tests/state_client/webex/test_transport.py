from state_client.webex.transport import open_session
from tests.state_client.webex.rest_cloud import Cloud, reply, serve


async def test_no_cookie_of_the_cloud_is_kept() -> None:
    async with serve(Cloud()) as cloud, open_session(cloud.address) as http:
        cloud.accepted = "token"
        cloud.on("/", reply({}, Set_Cookie="session=1; Path=/"))
        by_name = cloud.address.replace("127.0.0.1", "localhost")  # no jar keeps cookies of bare addresses
        for _ in range(2):
            async with http.get(by_name, headers={"Authorization": "Bearer token"}) as response:
                assert "Set-Cookie" in response.headers
        assert ["Cookie" in asked.headers for asked in cloud.asked] == [False, False]


async def test_a_proxy_of_the_environment_is_used_except_for_this_machine() -> None:
    for address, proxied in (
        ("https://api.example.com", True),
        ("http://127.0.0.1:1", False),
        ("http://[::1]:1", False),
    ):
        async with open_session(address) as http:
            assert http.trust_env is proxied
