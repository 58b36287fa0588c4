"""The memory of all tables of a process: one bound."""

from rocksdict import BlockBasedIndexType, BlockBasedOptions, Cache, Options, WriteBufferManager

_MEMTABLES = 16
_LEAST_MEMTABLE_BYTES = 256 * 1024


class Memory:
    """What all partitions of a process share: one block cache and one bound on memtables, in bytes.

    Faust opens each partition with a 2 GiB cache and up to three 64 MiB memtables of its own.
    """

    def __init__(self, block_cache_bytes: int, memtable_bytes: int) -> None:
        self._cache = Cache(block_cache_bytes)
        # Counted in the same cache, memtables that are full would leave no room in it for blocks.
        self._counted = Cache(memtable_bytes)
        # Never stalling: RocksDB waits for a flush of the database that writes, and where idle ones hold the memory
        # there is none to wait for, for ever. Past the bound every write flushes its own memtable instead.
        self._memtables = WriteBufferManager.new_write_buffer_manager_with_cache(memtable_bytes, False, self._counted)
        # So that few partitions cannot hold all of it.
        self._memtable_bytes = max(memtable_bytes // _MEMTABLES, _LEAST_MEMTABLE_BYTES)

    def options(self) -> Options:
        table = BlockBasedOptions()
        table.set_block_cache(self._cache)
        table.set_bloom_filter(10, False)
        # Else indexes and filters live outside the cache and grow with the number of keys.
        table.set_cache_index_and_filter_blocks(True)
        # In parts: whole, each file's is up to a megabyte, and millions of keys have more of them than the cache holds;
        # then each read of a row would read such a one first.
        table.set_index_type(BlockBasedIndexType.two_level_index_search())
        table.set_partition_filters(True)
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_block_based_table_factory(table)
        options.set_write_buffer_manager(self._memtables)
        options.set_write_buffer_size(self._memtable_bytes)
        options.set_arena_block_size(_LEAST_MEMTABLE_BYTES // 8)
        options.set_max_open_files(256)
        options.set_keep_log_file_num(2)
        return options
