package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime/debug"
	"sync/atomic"

	"github.com/dgraph-io/badger/v4/options"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"github.com/dgraph-io/ristretto/v2/z"
	"github.com/zeebo/blake3"
)

// maxTable is about how long a table gets, in bytes. Building one takes three times that in memory.
const maxTable = 4 << 20

// tableOptions: ids do not compress, and blocks are read where they lie, so there is no cache.
// Every block is checked whenever it is read.
var tableOptions = table.Options{
	BlockSize:          4096,
	BloomFalsePositive: 0.01,
	Compression:        options.None,
	ChkMode:            options.OnBlockRead,
}

// version is the one that all our keys have: badger keeps several, we never change an entry.
const version = 1

func tableName(id uint32) string { return table.IDToFilename(uint64(id)) }

// book is an open table.
type book struct {
	info info
	*table.Table
}

// guarded runs f, which reads tables. They lie in mapped memory, so a bad sector or a file cut short
// is a fault and not an error, and badger panics on some damaged blocks.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			text, _, _ := bytes.Cut(fmt.Append(nil, p), []byte("\n"))
			err = fmt.Errorf("reading a table: %.200s", text)
		}
	}()
	return f()
}

var errTable = errors.New("a table is not what was written")

// openBook opens one table. The end of the file is checked first: badger ends the process when
// that part is wrong.
func openBook(root *os.Root, i info) (book, error) {
	f, err := root.Open(tableName(i.ID))
	if err != nil {
		return book{}, err
	}
	if err := checkTail(f, i); err != nil {
		return book{}, errors.Join(err, f.Close())
	}
	mapped, err := z.OpenMmapFileUsing(f, 0, false)
	if err != nil {
		return book{}, errors.Join(err, f.Close())
	}
	t, err := table.OpenTable(mapped, tableOptions)
	if err != nil {
		return book{}, errors.Join(err, mapped.Close(-1))
	}
	if t.KeyCount() != i.Keys {
		return book{}, errors.Join(errTable, t.Close(-1))
	}
	return book{i, t}, nil
}

func checkTail(f *os.File, i info) error {
	stat, err := f.Stat()
	if err != nil {
		return err
	}
	if stat.Size() != i.Size || i.Tail > i.Size || i.Tail < 0 {
		return errTable
	}
	tail := make([]byte, i.Tail)
	if _, err := io.ReadFull(io.NewSectionReader(f, i.Size-i.Tail, i.Tail), tail); err != nil {
		return err
	}
	if !bytes.Equal(sum(tail), i.Sum) {
		return errTable
	}
	return nil
}

// find looks one key up and counts the block it reads. A nil error and false mean that the table
// surely does not hold the key.
func (b book) find(key []byte, reads *atomic.Uint32) (value []byte, found bool, err error) {
	if bytes.Compare(key, y.ParseKey(b.Smallest())) < 0 || bytes.Compare(key, y.ParseKey(b.Biggest())) > 0 ||
		b.DoesNotHave(y.Hash(key)) {
		return nil, false, nil
	}
	reads.Add(1)
	it := b.NewIterator(table.NOCACHE)
	defer it.Close() // gives back a count, no file
	full := y.KeyWithTs(key, version)
	it.Seek(full)
	if !it.Valid() { // there is a key at or after this one: only a damaged block hides it
		return nil, false, errTable
	}
	if !y.SameKey(full, it.Key()) {
		return nil, false, nil
	}
	return bytes.Clone(it.Value().Value), true, nil
}

// writeRun writes sorted pairs, about size bytes in all, as tables with numbers from next on. Files of
// a run that failed are removed.
func writeRun(root *os.Root, next uint32, size int64, pairs iter.Seq2[[]byte, []byte]) (run []info, err error) {
	o := tableOptions
	o.TableSize = uint64(min(size+size/4+4096, maxTable))
	builder, keys := table.NewTableBuilder(o), uint32(0)
	finish := func() error {
		defer builder.Close()
		if builder.Empty() {
			return nil
		}
		i, data := finishTable(builder)
		i.ID, i.Keys = next+uint32(len(run)), keys
		run = append(run, i)
		return writeFile(root, tableName(i.ID), data)
	}
	for key, value := range pairs {
		builder.Add(y.KeyWithTs(key, version), y.ValueStruct{Value: value}, 0)
		keys++
		if builder.ReachedCapacity() {
			if err = finish(); err != nil {
				break
			}
			builder, keys = table.NewTableBuilder(o), 0
		}
	}
	if err == nil {
		err = finish()
	}
	if err != nil {
		removeTables(root, run)
		return nil, err
	}
	return run, nil
}

// finishTable gives the bytes of a table. At its end stand: directory and filter, their length, a
// checksum, its length; the lengths are four bytes, big endian.
func finishTable(builder *table.Builder) (info, []byte) {
	data := builder.Finish()
	end := int64(len(data)) - 4
	end -= int64(y.BytesToU32(data[end:])) + 4
	start := end - int64(y.BytesToU32(data[end:end+4]))
	return info{Size: int64(len(data)), Tail: int64(len(data)) - start, Sum: sum(data[start:])}, data
}

// sum tells damage; the head, which holds it, is sealed with the key.
func sum(data []byte) []byte {
	all := blake3.Sum256(data)
	return all[:16]
}

func removeTables(root *os.Root, run []info) {
	for _, i := range run {
		_ = root.Remove(tableName(i.ID)) // what stays is removed by the next Open
	}
}
