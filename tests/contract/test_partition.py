from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from services.contract.partition import murmur2, partition_of, partition_once


@given(st.binary(max_size=60))
def test_keys_go_where_every_kafka_client_puts_them(key: bytes) -> None:
    assert murmur2(key) == reference(key)
    assert partition_once(key, 12) == partition_of(key, 12)
