// What the API takes and answers, with its own names; `/docs` says more of each field.
// Times are ISO 8601 in UTC, fields in `_s` are seconds, places in a picture are shares of its sides.

export type Language = "ja" | "en";
export type AvatarType = "sprite" | "motion";
export type AudioFormat = "mp3" | "wav" | "flac" | "opus" | "aac" | "pcm";
export type Mode = "video" | "audio-only";
export type VideoStatus = "processing" | "completed" | "failed";
export type Refinement = "none" | "waiting" | "running" | "kept" | "not_better" | "failed";
export type EventType =
  | "video.completed" | "video.failed" | "voice.cloned" | "voice.refined" | "conversation.ended";
export type EndReason =
  | "hang_up" | "limit" | "idle" | "disconnected" | "failed" | "node_lost" | "credits" | "deleted"
  | "never_connected";
export type Viseme =
  | "sil" | "PP" | "FF" | "TH" | "DD" | "kk" | "CH" | "SS" | "nn" | "RR" | "aa" | "E" | "ih" | "oh" | "ou";

export interface ListedCharacter {
  character_id: string;
  name: string;
  language: Language;
  voice_id: string;
  photo_url: string;
  embed_enabled: boolean;
  avatar_type: "sprite" | "motion" | "none";
  embed_url: string;
}

export interface Character extends ListedCharacter {
  avatars: Avatars;
  system_prompt: string | null;
  created_at: string;
  updated_at: string;
  llm_base_url: string | null;
  llm_model: string | null;
  llm_api_key_set: boolean;
}

export interface CreateCharacter {
  name: string;
  image: string | Blob;
  voice_id: string;
  language?: Language;
  avatar_type?: "sprite" | "motion" | "none";
  system_prompt?: string | null;
  kind?: "auto" | "photo" | "drawing";
  anchors?: Anchors | null;
  llm_base_url?: string | null;
  llm_api_key?: string | null;
  llm_model?: string | null;
}

export interface UpdateCharacter {
  name?: string;
  image?: string | Blob;
  voice_id?: string;
  language?: Language;
  avatar_type?: "sprite" | "motion" | "none";
  system_prompt?: string | null;
  llm_base_url?: string | null;
  llm_api_key?: string | null;
  llm_model?: string | null;
}

export interface CreatedCharacter {
  character_id: string;
  embed_url: string;
  avatars: Avatars;
  credits_used: number;
  credits_remaining: number;
}

export interface DeletedCharacter {
  character_id: string;
  deleted: boolean;
}

export interface Avatars {
  sprite: boolean;
  motion: boolean;
}

export interface MakeAvatar {
  avatar_type: AvatarType;
  kind?: "auto" | "photo" | "drawing";
  anchors?: Anchors | null;
}

export interface MadeAvatar {
  character_id: string;
  sprite_ready: boolean;
  motion_ready: boolean;
  credits_used: number;
  credits_remaining: number;
}

export interface Avatar {
  character_id: string;
  sprite_ready: boolean;
  motion_ready: boolean;
  kind: "photo" | "drawing" | null;
  anchors: Anchors | null;
  problems: PictureProblem[];
  rig_url: string | null;
  sprite_url: string | null;
  idle_url: string | null;
}

export interface Anchors {
  left_eye: Box;
  right_eye: Box;
  mouth: Box;
  chin: Point;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface PictureProblem {
  code: string;
  fatal: boolean;
  message: string;
  hint: string;
}

export interface PictureSize {
  width: number;
  height: number;
}

export interface PreviewPhoto {
  image: string | Blob;
  kind?: "auto" | "photo" | "drawing";
  anchors?: Anchors | null;
}

export interface PhotoPreview {
  usable: boolean;
  kind: "photo" | "drawing";
  kind_is_certain: boolean;
  problems: PictureProblem[];
  faces: number;
  face: Box | null;
  anchors: Anchors | null;
  size: PictureSize;
}

export interface Embed {
  character_id: string;
  embed_enabled: boolean;
  allowed_origins: string[];
  embed_session_limit_seconds: number | null;
  embed_daily_limit_seconds: number | null;
  embed_monthly_limit_seconds: number | null;
  embed_max_concurrent: number | null;
  embed_url: string;
}

export interface UpdateEmbed {
  embed_enabled?: boolean;
  allowed_origins?: string[];
  embed_session_limit_seconds?: number | null;
  embed_daily_limit_seconds?: number | null;
  embed_monthly_limit_seconds?: number | null;
  embed_max_concurrent?: number | null;
}

export interface EmbedUsage {
  character_id: string;
  today_seconds: number;
  month_seconds: number;
  open_sessions: number;
  days: EmbedUsageDay[];
}

export interface EmbedUsageDay {
  day: string;
  seconds: number;
  sessions: number;
}

export interface Voice {
  voice_id: string;
  name: string;
  language: Language;
  is_preset: boolean;
  sample_url: string;
  gender: "female" | "male" | null;
  accent: "en-US" | "en-GB" | "ja-JP" | null;
  description: Description | null;
  similarity: number | null;
  method: "matching" | "cloning" | null;
  refinement: Refinement | null;
  created_at: string | null;
}

export interface VoiceDetail extends Voice {
  updated_at: string | null;
  quality: RecordingQuality | null;
  consent: Consent | null;
}

export interface Description {
  en: string;
  ja: string;
}

export interface Consent {
  statement: string;
  given_by: "key" | "session" | "operator";
  given_at: string;
  audio_sha256: string;
}

export interface CloneVoice {
  audio: Blob;
  name: string;
  language?: Language;
  consent?: string | null;
}

export interface ClonedVoice {
  voice_id: string;
  name: string;
  sample_url: string;
  credits_used: number;
  credits_remaining: number;
  language: Language;
  similarity: number | null;
  method: "matching" | "cloning";
  refinement: Refinement;
  quality: RecordingQuality;
}

export interface PreviewVoice {
  audio: Blob;
}

export interface UpdateVoice {
  name?: string;
  language?: Language;
}

export interface DeletedVoice {
  voice_id: string;
  deleted: boolean;
}

export interface RecordingQuality {
  usable: boolean;
  duration_s: number;
  speech_s: number;
  snr_db: number | null;
  clipped: number;
  bandwidth_hz: number;
  level_db: number;
  speakers: number | null;
  problems: RecordingProblem[];
}

export interface RecordingProblem {
  code: string;
  fatal: boolean;
  message: string;
}

export interface CreateSpeech {
  character_id: string;
  text: string;
  format?: AudioFormat;
  speed?: number;
  voice_id?: string | null;
  language?: Language | null;
}

export interface TimestampedSpeech {
  audio: string;
  format: AudioFormat;
  duration_s: number;
  words: Timed[];
  phonemes: Timed[];
  visemes: MouthShape[];
  credits_used: number;
  credits_remaining: number;
}

export interface Timed {
  text: string;
  start_s: number;
  end_s: number;
}

export interface MouthShape {
  viseme: Viseme;
  start_s: number;
  end_s: number;
}

export interface CreateVideo {
  character_id: string;
  text?: string | null;
  avatar_type?: AvatarType;
  audio?: string | Blob | null;
  voice_id?: string | null;
  language?: Language | null;
  speed?: number;
  aspect?: "1:1" | "9:16" | "16:9" | null;
  width?: number | null;
  height?: number | null;
  fps?: number;
  background?: string;
  format?: "mp4" | "webm";
}

export interface CreatedVideo {
  video_id: string;
  status: VideoStatus;
  poll_url: string;
  credits_used: number;
  credits_remaining: number;
}

export interface Video {
  video_id: string;
  status: VideoStatus;
  output_url: string | null;
  created_at: string;
  completed_at: string | null;
  character_id: string;
  progress: number;
  queue_position: number | null;
  duration_s: number | null;
  width: number;
  height: number;
  fps: number;
  format: "mp4" | "webm";
  subtitles: Subtitles | null;
  credits_used: number;
  error: string | null;
  error_code: string | null;
  expires_at: string | null;
  text: string | null;
}

export interface Subtitles {
  srt_url: string;
  vtt_url: string;
}

export interface DeletedVideo {
  video_id: string;
  deleted: boolean;
}

export interface CreateToken {
  character_id: string;
  mode?: Mode;
  session_limit_seconds?: number | null;
  greeting?: string | null;
  visitor_name?: string | null;
}

export interface Token {
  token: string;
  conversation_id: string;
  mode: Mode;
  session_limit_seconds: number;
  expires_in: number;
  credits_used: number;
  credits_remaining: number;
  billing: Billing;
  connect_url: string;
  ice_servers: IceServer[];
  /** Where clients of LiveKit join with the token; null where LiveKit carries nothing. */
  livekit_url: string | null;
}

export interface Billing {
  rate_credits_per_minute: number;
  prepaid_credits: number;
  note: string;
}

export interface IceServer {
  urls: string[];
  username?: string | null;
  credential?: string | null;
}

export interface Conversation {
  conversation_id: string;
  character_id: string;
  mode: Mode;
  status: "minted" | "live" | "ended";
  created_at: string;
  connected_at: string | null;
  ended_at: string | null;
  duration_s: number | null;
  session_limit_seconds: number;
  credits_used: number;
  reason: EndReason | null;
  visitor_name: string | null;
  is_test: boolean;
  /** Of the web page that embeds the character, where it began on one. */
  origin: string | null;
}

export interface ConversationDetail extends Conversation {
  transcript: Turn[];
}

export interface Turn {
  role: "user" | "assistant";
  text: string;
  interrupted: boolean;
  started_s: number;
  latency: Record<string, number>;
}

export interface DeletedConversation {
  conversation_id: string;
  deleted: boolean;
}

export interface CreateEndpoint {
  url: string;
  events?: EventType[] | null;
  description?: string;
}

export interface UpdateEndpoint {
  url?: string;
  events?: EventType[] | null;
  enabled?: boolean;
  description?: string;
}

export interface Endpoint {
  endpoint_id: string;
  url: string;
  events: string[] | null;
  description: string;
  enabled: boolean;
  disabled_reason: "owner" | "gone" | "failing" | null;
  disabled_at: string | null;
  old_secret_until: string | null;
  created_at: string;
  updated_at: string;
}

export interface EndpointWithSecret extends Endpoint {
  secret: string | null;
}

export interface DeletedEndpoint {
  endpoint_id: string;
  deleted: boolean;
}

export interface Delivery {
  delivery_id: string;
  endpoint_id: string;
  event_id: string;
  event_type: string;
  status: "pending" | "delivered" | "failed" | "cancelled";
  attempts: Attempt[];
  next_attempt_at: string | null;
  created_at: string;
}

export interface Attempt {
  attempted_at: string;
  duration_ms: number;
  response_status: number | null;
  response_body: string | null;
  error: string | null;
}

export interface Balance {
  credits_remaining: number;
  transactions: Transaction[];
  credits_held: number;
}

export interface Transaction {
  id: string;
  amount: number;
  type: string;
  description: string;
  created_at: string;
  reference: string;
  character_id: string | null;
}

export interface CreateCheckout {
  credits: number;
  success_url?: string | null;
  cancel_url?: string | null;
}

export interface Checkout {
  checkout_id: string;
  checkout_url: string;
  credits: number;
  amount_cents: number;
  currency: string;
}

export interface AccountInfo {
  account_id: string;
  email: string;
  email_verified: boolean;
  name: string;
  role: "owner" | "member";
  plan: string;
  limits: AccountLimits;
  created_at: string;
}

export interface AccountLimits {
  max_characters: number;
  requests_per_minute: number;
  test_requests_per_minute: number;
  test_chars_per_day: number;
  concurrent_speech: number;
}

export interface Key {
  key_id: string;
  name: string;
  kind: "live" | "test";
  hint: string;
  scopes: string[];
  created_at: string;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface CreateKey {
  name: string;
  kind?: "live" | "test";
  scopes?: string[] | null;
}

export interface NewKey extends Key {
  key: string | null;
}
