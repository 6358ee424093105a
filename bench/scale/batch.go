package main

// batch fills packs as repo/packer.go does: two of data, taken at random for each chunk, and one of meta.
type batch struct {
	*store
	tally  *Tally
	known  bool // whether the computer's index takes in the segments
	open   [3]openPack
	stored []int32 // packs that no segment tells of yet
	all    []int32
	read   int64 // since the last checkpoint
	notes  int
	noted  int // files since then
}

const dataPacks = 2

// chunk adds a head or a body. plain is its length; it does not compress.
func (b *batch) chunk(class uint8, plain int) {
	slot := dataPacks
	if class == data {
		slot = b.rng.IntN(dataPacks)
	}
	p := b.fit(slot, plain+sealed)
	p.chunks, p.bytes = p.chunks+1, p.bytes+plain+sealed
}

// page adds a page of that many stored bytes.
func (b *batch) page(id int32) {
	p := b.fit(dataPacks, int(b.pages[id].stored))
	p.pages = append(p.pages, id)
}

// fit makes room for a chunk in an open pack.
func (b *batch) fit(slot, stored int) *openPack {
	capacity := b.load.Data
	if slot == dataPacks {
		capacity = b.load.Meta
	}
	p := &b.open[slot]
	if p.entries > 0 && stored > p.room(capacity) {
		b.close(slot)
	}
	p.used, p.entries = p.used+stored, p.entries+1
	return p
}

func (b *batch) close(slot int) {
	if b.open[slot].entries == 0 {
		return
	}
	class := uint8(data)
	if slot == dataPacks {
		class = meta
	}
	id := b.putPack(class, &b.open[slot], b.tally)
	b.stored, b.all = append(b.stored, id), append(b.all, id)
	b.open[slot] = openPack{}
}

// flush makes packs durable and writes their segment.
func (b *batch) flush() {
	for slot := range b.open {
		b.close(slot)
	}
	if len(b.stored) > 0 {
		b.putSegments(b.stored, b.known, b.tally)
	}
	b.stored = nil
}

// file stores a new file of a kind.
func (b *batch) file(k Kind) {
	for range k.Heads {
		b.chunk(meta, max(1, k.HeadBytes/k.Heads))
	}
	body := k.Low + b.rng.IntN(k.High-k.Low+1)
	b.read += int64(body + k.HeadBytes)
	b.noted++
	for body > 0 {
		piece := body
		if b.load.Cut > 0 && body > b.load.Cut*8/5 {
			piece = b.load.Cut
		}
		b.chunk(data, piece)
		body -= piece
	}
	if b.load.Checkpoint > 0 && b.read >= b.load.Checkpoint {
		b.checkpoint()
	}
}

// checkpoint makes durable what was read and leaves a note.
func (b *batch) checkpoint() {
	b.flush()
	b.notes++
	b.tally.put(recordSize(measured.NoteEntry * float64(b.noted)))
	b.read, b.noted = 0, 0
}

// pick draws a kind of file.
func (b *batch) pick() Kind {
	at := b.rng.Float64()
	for _, k := range b.load.Kinds {
		if at -= k.Share; at < 0 {
			return k
		}
	}
	return b.load.Kinds[0]
}
