//! Reels: short videos of products, how they are received, and what moderators do.

use sea_orm_migration::prelude::*;

use crate::sql::both;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        both(manager, TABLES).await?;
        both(manager, RECEPTION).await?;
        both(manager, MODERATION).await
    }
}

const TABLES: &str = "
CREATE TABLE reels (
    id UUID PRIMARY KEY NOT NULL,
    product_id UUID NOT NULL REFERENCES products (id),
    store_id UUID NOT NULL REFERENCES stores (id),
    seller_id UUID NOT NULL REFERENCES users (id),
    status TEXT NOT NULL CHECK (status IN ('DRAFT', 'PROCESSING', 'READY', 'FAILED')),
    caption TEXT NOT NULL CHECK (length(caption) <= 500),
    video_media_id UUID REFERENCES media (id),
    thumbnail_media_id UUID REFERENCES media (id),
    video_url TEXT NOT NULL,
    thumbnail_url TEXT NOT NULL,
    duration_ms INTEGER CHECK (duration_ms > 0),
    size BIGINT NOT NULL CHECK (size >= 0),
    width INTEGER CHECK (width > 0),
    height INTEGER CHECK (height > 0),
    failure TEXT NOT NULL,
    hidden BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    published_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CHECK (status = 'DRAFT' OR video_media_id IS NOT NULL),
    CHECK (status <> 'READY' OR (published_at IS NOT NULL AND video_url <> '')),
    CHECK ((status = 'FAILED') = (failure <> ''))
);
CREATE UNIQUE INDEX reels_video ON reels (video_media_id)
    WHERE video_media_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX reels_thumbnail ON reels (thumbnail_media_id)
    WHERE thumbnail_media_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX reels_newest ON reels (id)
    WHERE status = 'READY' AND NOT hidden AND deleted_at IS NULL;
CREATE INDEX reels_store ON reels (store_id, id) WHERE deleted_at IS NULL;
CREATE INDEX reels_product ON reels (product_id, id) WHERE deleted_at IS NULL;
CREATE INDEX reels_seller ON reels (seller_id, id) WHERE deleted_at IS NULL;
";

// How reels are received. The rows of likes and comments are the truth. `reel_deltas`
// takes what is to be counted, in the transaction of the change, and `reel_stats` takes
// it over in batches: no like waits for another one's row, the count is the sum of both
// at any time, and nothing is counted twice or lost whatever stops. `reel_stats` only
// grows, so that a watcher can tell what happened from what it saw before.
const RECEPTION: &str = "
CREATE TABLE reel_likes (
    reel_id UUID NOT NULL REFERENCES reels (id),
    user_id UUID NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (reel_id, user_id)
);
CREATE INDEX reel_likes_newest ON reel_likes (reel_id, created_at, user_id);
CREATE INDEX reel_likes_user ON reel_likes (user_id);

CREATE TABLE reel_comments (
    id UUID PRIMARY KEY NOT NULL,
    reel_id UUID NOT NULL REFERENCES reels (id),
    user_id UUID NOT NULL REFERENCES users (id),
    content TEXT NOT NULL CHECK (length(content) BETWEEN 1 AND 500),
    edited BOOLEAN NOT NULL,
    hidden BOOLEAN NOT NULL,
    version BIGINT NOT NULL CHECK (version > 0),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted_at BIGINT
);
CREATE INDEX reel_comments_reel ON reel_comments (reel_id, id) WHERE deleted_at IS NULL;
CREATE INDEX reel_comments_user ON reel_comments (user_id);

CREATE TABLE reel_views (
    reel_id UUID NOT NULL REFERENCES reels (id),
    hour BIGINT NOT NULL,
    viewer TEXT NOT NULL,
    PRIMARY KEY (reel_id, hour, viewer)
);
CREATE INDEX reel_views_hour ON reel_views (hour);

CREATE TABLE reel_stats (
    reel_id UUID PRIMARY KEY NOT NULL REFERENCES reels (id),
    liked BIGINT NOT NULL,
    unliked BIGINT NOT NULL CHECK (unliked BETWEEN 0 AND liked),
    commented BIGINT NOT NULL,
    uncommented BIGINT NOT NULL CHECK (uncommented BETWEEN 0 AND commented),
    viewed BIGINT NOT NULL CHECK (viewed >= 0)
);

CREATE TABLE reel_deltas (
    id BIGSERIAL PRIMARY KEY,
    reel_id UUID NOT NULL REFERENCES reels (id),
    liked BIGINT NOT NULL CHECK (liked >= 0),
    unliked BIGINT NOT NULL CHECK (unliked >= 0),
    commented BIGINT NOT NULL CHECK (commented >= 0),
    uncommented BIGINT NOT NULL CHECK (uncommented >= 0),
    viewed BIGINT NOT NULL CHECK (viewed >= 0)
);
CREATE INDEX reel_deltas_reel ON reel_deltas (reel_id);
";

const MODERATION: &str = "
CREATE TABLE reel_reports (
    id UUID PRIMARY KEY NOT NULL,
    reel_id UUID NOT NULL REFERENCES reels (id),
    comment_id UUID REFERENCES reel_comments (id),
    reporter_id UUID NOT NULL REFERENCES users (id),
    reason TEXT NOT NULL CHECK (reason IN ('SPAM', 'SEXUAL', 'VIOLENCE', 'HATE', 'FRAUD', 'COPYRIGHT', 'OTHER')),
    note TEXT NOT NULL,
    content TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('OPEN', 'UPHELD', 'DISMISSED')),
    resolved_by UUID REFERENCES users (id),
    resolved_at BIGINT,
    created_at BIGINT NOT NULL,
    CHECK ((status = 'OPEN') = (resolved_at IS NULL))
);
CREATE UNIQUE INDEX reel_reports_open_reel ON reel_reports (reel_id, reporter_id)
    WHERE status = 'OPEN' AND comment_id IS NULL;
CREATE UNIQUE INDEX reel_reports_open_comment ON reel_reports (comment_id, reporter_id)
    WHERE status = 'OPEN' AND comment_id IS NOT NULL;
CREATE INDEX reel_reports_status ON reel_reports (status, id);
CREATE INDEX reel_reports_comment ON reel_reports (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX reel_reports_reporter ON reel_reports (reporter_id);

CREATE TABLE blocked_words (
    id UUID PRIMARY KEY NOT NULL,
    word TEXT NOT NULL,
    word_key TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

ALTER TABLE order_items ADD COLUMN reel_id UUID REFERENCES reels (id);
CREATE INDEX order_items_reel ON order_items (reel_id) WHERE reel_id IS NOT NULL;
ALTER TABLE cart_lines ADD COLUMN reel_id UUID REFERENCES reels (id);
";
