package dev.tidemark.journal;

/** Puts a {@link HistoryStatus} together. */
record HistoryReport(
        Manifest manifest,
        Marks marks,
        RecordLog redo,
        UndoLog undo,
        SegmentStore undoStore,
        Pins pins,
        SegmentPool pool) {

    HistoryStatus status() {
        ManifestState state = manifest.state();
        Boundary tail = state.tail();
        Boundary fineTail = fineTail();
        long headMicros = redo.lastTimeMicros();
        int unfolded = marks.newestFirst().size();
        long unfoldedTagged =
                marks.newestFirst().stream().filter(mark -> mark.checkpoint().tagged()).count();
        double seconds = Math.max(1, headMicros - tail.timeMicros()) / 1e6;
        return new HistoryStatus(
                tail,
                redo.lastSequence(),
                headMicros,
                state.gold().sequence(),
                fineTail.sequence(),
                fineTail.timeMicros(),
                state.checkpointCount() + unfolded,
                state.taggedCount() + (int) unfoldedTagged,
                redo.store().bytes(),
                undoStore.bytes(),
                undo.dataBytes(),
                undo.indexBytes(),
                redo.store().segments().size(),
                undoStore.segments().size(),
                pins.count(),
                pool.usedBytes(),
                pool.budgetBytes(),
                undo.dataBytes() / seconds);
    }

    /** The oldest boundary from which on every record is kept. */
    private Boundary fineTail() {
        ManifestState state = manifest.state();
        Position begin = redo.begin();
        Boundary before = state.floorSequence(begin.sequence() - 1);
        if (before == null) {
            return state.tail();
        }
        if (before.sequence() == begin.sequence() - 1) {
            return before;
        }
        Boundary next = state.after(before);
        return next == null ? before : next;
    }
}
